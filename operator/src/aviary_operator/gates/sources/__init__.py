"""Sources of evidence: each turns a check into a reading, or says why there is none. None raises for the outside."""
