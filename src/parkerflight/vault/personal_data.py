"""What this room holds about a person."""

_LIFE = "while the account lives"
COLUMNS = {
    "vault_personkey": {
        "owner_id": ("not personal", "whose key", _LIFE),
        "key_id": ("not personal", "names the key inside sealed values", _LIFE),
        "wrapped": ("not personal", "the data key, useless without the key-encryption key", _LIFE),
        "kek_id": ("not personal", "which key-encryption key wrapped it", _LIFE),
        "created_at": ("not personal", "age of the key", _LIFE),
    },
}
