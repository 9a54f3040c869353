"""`make load`: what a quiet account's calls meet while another account floods the service in six ways."""
