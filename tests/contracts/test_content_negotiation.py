"""Which of two kinds a caller would rather have."""

import pytest

from cutline.contracts.content_negotiation import prefers_webp

OF_AN_IMG = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
OF_A_PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("image/webp", True),
        (OF_AN_IMG, True),
        ("IMAGE/WEBP;Q=0.5", True),
        ("image/png, image/webp", True),
        ("image/png, image/webp;q=0.9", False),
        ("image/webp;q=0", False),
        (OF_A_PAGE, False),
        ("*/*", False),
        ("image/*", False),
        ("", False),
        (",;=,image/webpx", False),
    ],
)
def test_webp_is_for_who_names_it_and_does_not_save_the_file(accept: str, wanted: bool) -> None:
    assert prefers_webp(accept) is wanted
