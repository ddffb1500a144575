"""Checks and converts one endpoint's parameters, with the error codes Stripe uses for each kind of mistake."""

from dataclasses import dataclass
from typing import Any

from sandbox.stripe.errors import JSON, invalid

METADATA_KEYS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500
_CARD_OPTIONS = """capture_method cvc_token installments mandate_options moto network request_extended_authorization
    request_incremental_authorization request_multicapture request_overcapture request_three_d_secure
    require_cvc_recollection setup_credential_usage setup_future_usage statement_descriptor_suffix_kana
    statement_descriptor_suffix_kanji stored_credential_usage three_d_secure"""
CARD_OPTIONS = frozenset(_CARD_OPTIONS.split())
CREDENTIAL_USAGES = ("installment", "recurring", "unscheduled")


@dataclass(frozen=True)
class Fields:
    """The parameters an endpoint takes, by kind. `expand` is taken everywhere."""

    kinds: dict[str, str]
    required: tuple[str, ...] = ()

    def read(self, raw: JSON) -> JSON:
        """Return converted values. Raises StripeError for unknown, missing or malformed ones."""
        self._refuse_strangers(raw)
        for name in self.required:
            if raw.get(name) in (None, ""):
                raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
        return {name: _convert(name, self.kinds.get(name, "list"), value) for name, value in raw.items()}

    def _refuse_strangers(self, raw: JSON) -> None:
        for name in raw:
            if name == "payment_method_types" and "allowed_payment_method_types" in self.kinds:
                raise invalid(
                    "payment_method_types cannot be sent in this API version; see allowed_payment_method_types.",
                    param=name,
                    code="payment_method_types_no_longer_supported",
                )
            if name not in self.kinds and name != "expand":
                raise invalid(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")


def fields(strings: str = "", *, required: str = "", **kinds: str) -> Fields:
    """Name parameters: plain ones are strings, others go by kind (`ints`, `bools`, `maps`, `lists`, `anys`)."""
    found = dict.fromkeys(strings.split(), "string")
    for kind, names in kinds.items():
        found.update(dict.fromkeys(names.split(), kind.removesuffix("s")))
    return Fields(found, tuple(required.split()))


def listing(strings: str = "", *, bools: str = "", lists: str = "", dated: bool = True) -> Fields:
    """Name the filters of a list endpoint; paging comes with it, and (if `dated`) a filter on `created`."""
    names = f"{strings} starting_after ending_before"
    return fields(names, ints="limit", anys="created" if dated else "", bools=bools, lists=lists)


def _convert(name: str, kind: str, value: Any) -> Any:
    match kind:
        case "int":
            return _integer(name, value)
        case "bool":
            return _boolean(name, value)
        case "list":
            return list(value.values()) if isinstance(value, dict) else [value]
        case "map":
            return _map(name, value)
        case "string" if isinstance(value, dict):
            raise invalid(f"Invalid string: {name}", param=name)
        case _:
            return value


def _integer(name: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise invalid(f"Invalid integer: {value}", param=name, code="parameter_invalid_integer") from None


def _boolean(name: str, value: Any) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def _map(name: str, value: Any) -> Any:
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise invalid(f"Invalid object: {name}", param=name)
    if name == "metadata":
        _check_metadata(value)
    if name == "payment_method_options":
        _check_method_options(value)
    return value


def _check_metadata(value: JSON) -> None:
    if len(value) > METADATA_KEYS:
        raise invalid(f"Metadata holds at most {METADATA_KEYS} keys.", param="metadata")
    for key, text in value.items():
        if len(key) > METADATA_KEY_LENGTH or not isinstance(text, str) or len(text) > METADATA_VALUE_LENGTH:
            raise invalid("A metadata key or value is too long or not text.", param=f"metadata[{key}]")


def _check_method_options(value: JSON) -> None:
    for kind, options in value.items():
        where = f"payment_method_options[{kind}]"
        if kind not in ("card", "link") or not isinstance(options, dict):
            raise invalid(f"Received unknown parameter: {where}", param=where, code="parameter_unknown")
        for name, chosen in options.items():
            if name not in CARD_OPTIONS:
                inner = f"{where}[{name}]"
                raise invalid(f"Received unknown parameter: {inner}", param=inner, code="parameter_unknown")
            if name.endswith("credential_usage") and chosen not in CREDENTIAL_USAGES:
                raise invalid(f"Invalid {where}[{name}]: {chosen}", param=f"{where}[{name}]")


def merge_metadata(present: JSON, change: JSON | None) -> JSON:
    """Return metadata after an update: keys are merged, an empty value removes its key, an empty map removes all."""
    if change is None:
        return present
    if not change:
        return {}
    return {key: value for key, value in {**present, **change}.items() if value != ""}
