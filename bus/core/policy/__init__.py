"""What is in force: contracts, terms, and what stewards and operators have set."""
