"""Who owns which store, file and batch. One owner for ever; foreign equals absent."""
