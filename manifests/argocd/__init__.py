"""Health for Argo CD, and the programs that make its test data and its patch."""
