"""Calculus: the rules, the engine that applies them, the plan of stages, the record."""
