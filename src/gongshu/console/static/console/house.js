// Comfort only: everything works without it. Closes the account menu on a click elsewhere or on Escape, asks before what
// cannot be undone, and stops a form from being sent twice.
(function () {
  "use strict";
  document.addEventListener("click", function (event) {
    document.querySelectorAll("details.gs-menu[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    });
    var filler = event.target.closest("[data-fill]");
    if (filler) {
      JSON.parse(filler.getAttribute("data-fill")).forEach(function (pair) {
        var field = document.getElementById(pair[0]);
        if (field) field.value = pair[1];
      });
    }
    var printer = event.target.closest("[data-print]");
    if (printer) window.print();
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.gs-menu[open]").forEach(function (menu) {
      menu.removeAttribute("open");
      menu.querySelector("summary").focus();
    });
  });
  document.addEventListener("submit", function (event) {
    var form = event.target;
    var question = form.getAttribute("data-confirm");
    if (question && !window.confirm(question)) {
      event.preventDefault();
      return;
    }
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "1";
    }
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });
})();
