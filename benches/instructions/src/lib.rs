//! Exact instruction counts of the core, held against budgets.
