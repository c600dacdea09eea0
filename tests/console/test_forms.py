"""A refusal at the fields of a form, each with the clause that asks for it."""

from __future__ import annotations

from django import forms

from gongshu.console.forms import Form, refuse
from gongshu.console.templatetags.house import field
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Invalid

OWN, OTHER = Basis(("ZY-24.6",)), Basis(("ZY-15.2",))


class Asked(Form):
    basis = {"duty": OWN}
    duty = forms.CharField(label="duty", required=False)
    scene = forms.CharField(label="scene", required=False)


def shown(refusal: Invalid) -> Asked:
    form = Asked({})
    form.is_valid()
    refuse(form, refusal)
    return form


def test_of_several_faults_each_field_shows_its_own_clause() -> None:
    form = shown(Invalid("both", fields={"duty": "a", "scene": "b"}, basis=OTHER))
    assert form.error_bases == {"duty": OWN, "scene": OTHER}
    errors = str(field(form["duty"])).partition("gs-error")[2]
    assert "ZY-24.6" in errors and "ZY-15.2" not in errors


def test_a_single_fault_shows_the_clause_of_the_refusal() -> None:
    assert shown(Invalid("one", field="duty", fields={"duty": "a"}, basis=OTHER)).error_bases == {
        "duty": OTHER
    }
