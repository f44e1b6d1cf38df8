"""Objectives and claims from a stranger's file, audited with the machinery that ours go through."""
