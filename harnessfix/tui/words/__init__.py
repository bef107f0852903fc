"""Documents in words: what tables, texts and titles say. Everything from a run or a source is made harmless here."""
