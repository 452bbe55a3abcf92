"""What goes out for a decision: answers, public events, the case file; and what stays sealed."""
