"""What a hostile world may do to the service: fuzzing, bombs, faults, load and what ships."""
