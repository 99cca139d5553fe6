"""The house rules of DESIGN 1 and 7, as tests: who may import whom, one shape for five services, no clock in a rule."""
