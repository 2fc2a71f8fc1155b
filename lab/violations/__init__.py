"""What plants do to the running lab: one function each, grouped by what they touch."""
