"""Rate limits: requests and tokens a minute, and requests at a time, of keys, teams, end users and users."""
