"""The part of the documentation that is made from the code, so that nothing is written twice."""
