"""What a hostile world may do to the service: fuzzing, bombs, faults, all routes at once and what ships."""
