"""Administration with the master key or a key with a role: keys, budgets, stores, reports and the audit."""
