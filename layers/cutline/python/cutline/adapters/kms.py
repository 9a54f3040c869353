"""KMS as the cipher of the HMAC secrets: one Encrypt or Decrypt call each, bound to its credential by context."""

from collections.abc import Mapping
from typing import Any


class KmsCipher:
    """Implements `cutline.accounts.account.Cipher`."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def encrypt(self, plaintext: str, context: Mapping[str, str]) -> bytes:
        """Ciphertext that only decrypts with the same context."""
        answer = self._client.encrypt(KeyId=self._key_id, Plaintext=plaintext.encode(), EncryptionContext=dict(context))
        return bytes(answer["CiphertextBlob"])

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str]) -> str:
        """Return the plaintext that `encrypt` got."""
        answer = self._client.decrypt(KeyId=self._key_id, CiphertextBlob=ciphertext, EncryptionContext=dict(context))
        return bytes(answer["Plaintext"]).decode()
