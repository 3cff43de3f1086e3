"""Who owns which store, file, batch and upload. One owner for ever; foreign equals absent."""
