"""`pppgen report`: the journal, the samples, doctor's answers and the configuration as one HTML file."""
