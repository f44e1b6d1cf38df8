"""How often the sequential tests of `amss_min.testing` err, and how many draws they take: measured, beside the theory.

Every table is a list of rows; a row is worked out in parts that do not depend on each other, so that processes can
share them. `page` writes the numbers out as docs/statistics.md.
"""
