"""Who may call, how often, for how much: signatures, credentials, rate, quota, charge."""
