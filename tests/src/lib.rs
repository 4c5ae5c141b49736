//! Black-box tests of the built program; everything is in `tests/suite`.
