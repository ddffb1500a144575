"""What this room holds about a person."""

COLUMNS = {
    "accounts_account": {
        "id": ("not personal", "names the account everywhere", "while the account lives"),
        "email_sealed": ("personal", "to sign in and to send what was bought", "while the account lives"),
        "email_lookup": ("personal", "to find the account at sign-in", "while the account lives"),
        "created_at": ("not personal", "age of the account", "while the account lives"),
    },
}
