"""Refusals. Every door shows the same ones: the form at the field, the API as problem+json, the command as
exit code 2.
"""

from __future__ import annotations

from collections.abc import Mapping

from gongshu.kernel.clause import Basis, touched


class Refused(Exception):
    """A request that the rules do not allow; nothing has been changed.

    ``message``: already translated, says what to do. ``basis``: the clause behind the refusal. ``field``:
    the input at fault; ``fields``: several inputs at fault, name to message. ``status``: HTTP status.
    ``code``: stable word for programs.
    """

    status = 422
    code = "refused"

    def __init__(
        self,
        message: str,
        *,
        basis: Basis | None = None,
        field: str | None = None,
        status: int | None = None,
        code: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.basis = basis
        if basis is not None:
            touched(basis.clauses)
        self.field = field
        self.fields = dict(fields or {})
        if field and field not in self.fields:
            self.fields[field] = message
        if status is not None:
            self.status = status
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return str(self.message)

    def as_dict(self) -> dict[str, object]:
        """RFC 9457 problem document without ``type`` and ``instance``, which the door adds."""
        problem: dict[str, object] = {"title": str(self.message), "status": self.status, "code": self.code}
        if self.field:
            problem["field"] = self.field
        if self.fields:
            problem["fields"] = {name: str(text) for name, text in self.fields.items()}
        if self.basis is not None:
            problem["basis"] = self.basis.as_dict()
        return problem


class NotAllowed(Refused):
    """The person has no such right here."""

    status = 403
    code = "not_allowed"


class NotFound(Refused):
    """No such thing, or none that this person may see: the two are not told apart."""

    status = 404
    code = "not_found"


class Conflict(Refused):
    """Somebody else was faster: the state or version is no longer the one the request was made for."""

    status = 409
    code = "conflict"


class Invalid(Refused):
    """The input itself is wrong."""

    status = 422
    code = "invalid"
