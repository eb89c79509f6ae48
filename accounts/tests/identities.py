"""What tests of identities share: Carol, as the provider knows her."""

from accounts.actions.identities import sign_in_with_identity
from accounts.models import User
from accounts.oidc import Person

CAROL = Person(
    issuer="https://id.example.org",
    subject="4711",
    email="carol@example.org",
    email_verified=True,
    username="carol",
    display_name="Carol Koh",
)


def enter(person: Person = CAROL, *, may_register: bool = True) -> User:
    """Whoever it is that the provider's word lets in."""
    return sign_in_with_identity(person=person, may_register=may_register).user
