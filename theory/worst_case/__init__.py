"""Worst cases of descent on smooth functions: the largest gradients that any function can force.

closed_forms: the values. problems: the inequalities that every function obeys along a trajectory. multipliers: weights
of those inequalities that prove the values, checked in rationals by `theory.certificates`. attained: functions that
reach them. solver: the same problems written in PEPit and solved numerically (extra `worst-case`). rounded: multipliers
found by a solver and rounded to rationals, where no closed form is known.
"""
