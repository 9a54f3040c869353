"""The AWS services: moto, and the behaviour of AWS that moto lacks."""
