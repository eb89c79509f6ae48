"""The checker's own negative controls: each lie about a true story is found, and named rightly."""

import pytest

from pneumatic.proof.journal import Change
from tests.proof.story import (
    GROUP,
    IDS,
    MEMBERS,
    Story,
    acked,
    came,
    member_change,
    message_came,
    message_change,
    sent,
    sync_came,
    true_story,
)


@pytest.fixture
def story() -> Story:
    return true_story()


def test_a_promise_that_was_kept_is_found_to_be_kept(story: Story) -> None:
    verdict = story.verdict()
    assert verdict.good
    assert (verdict.sent, verdict.acknowledged) == (3, 3)


def test_an_acknowledged_message_that_is_not_stored_is_lost(story: Story) -> None:
    del story.truth.messages[IDS[2]]
    story.truth.changes.pop()
    story.truth.conversations[GROUP] = (2, 6, "Crew", "", False)
    for history in story.histories.values():
        history[:] = [line for line in history if IDS[2] not in str(line.get("rows"))]
    for mirror in (*story.fresh.values(), *story.mirrors.values()):
        if GROUP in mirror:
            del mirror[GROUP]["messages"][IDS[2]]
            mirror[GROUP]["known"] = 6
    for membership in ("alice", "bob"):
        story.truth.memberships[GROUP, membership] = ("member", 1, False, 2, 2)
    assert story.verdict().counts["lost"] == 1


def test_a_message_that_one_device_never_got_is_lost(story: Story) -> None:
    del story.mirrors["bob"][GROUP]["messages"][IDS[1]]
    assert story.counts() == {"lost": 1}


def test_a_message_that_a_fresh_device_does_not_get_is_lost(story: Story) -> None:
    del story.fresh["bob"][GROUP]["messages"][IDS[0]]
    assert story.verdict().counts["lost"] == 1


def test_a_message_stored_again_under_another_id_is_duplicated(story: Story) -> None:
    copy = "40000000-0000-4000-8000-000000000004"
    story.truth.changes.append(Change(GROUP, 8, "message", copy, 4, False, IDS[0], 8.0))
    assert story.verdict().counts["duplicated"] == 1


def test_two_places_for_one_id_are_a_duplicate(story: Story) -> None:
    story.histories["alice"].append(acked(1, version=4, at=9, seq=2))
    assert story.verdict().counts["duplicated"] == 1


def test_a_repeated_ack_of_the_same_place_is_right(story: Story) -> None:
    story.histories["alice"].append(acked(1, version=4, at=9))
    verdict = story.verdict()
    assert verdict.good
    assert verdict.repeats == 1


def test_a_stored_message_that_nobody_sent_is_found(story: Story) -> None:
    story.histories["alice"] = [
        line for line in story.histories["alice"] if line.get("id") != IDS[2]
    ]
    assert story.counts() == {"duplicated": 1}


def test_places_with_a_hole_are_out_of_order(story: Story) -> None:
    conversation, _, *rest = story.truth.messages[IDS[2]]
    story.truth.messages[IDS[2]] = (conversation, 4, *rest)  # type: ignore[assignment]
    assert story.verdict().counts["out of order"] >= 1


def test_old_news_after_a_device_had_everything_is_out_of_order(story: Story) -> None:
    lines = story.histories["bob"]
    lines[3], lines[4] = message_came(3, version=7, known=7), message_came(2, version=6, known=7)
    assert story.counts() == {"out of order": 1}


@pytest.mark.parametrize(("edited_at", "late"), [(7.9, 0), (8.7, 1)])
def test_what_a_row_was_before_it_changed_during_a_sync_may_come_late(
    story: Story, edited_at: float, late: int
) -> None:
    story.truth.changes.append(message_change(2, version=8)._replace(at=edited_at))
    told = came(
        ("message", IDS[2], 7, 3), at=8.5, known=7, y="sync", reset=False, more=False, to=7, last=3
    )
    story.histories["bob"][3:] = [
        told,
        message_came(2, version=6, known=7, at=9),
        message_came(2, version=8, at=9.1),
    ]
    assert story.verdict().counts["out of order"] == late


def test_a_message_from_before_the_newest_page_of_a_reset_may_come_late(story: Story) -> None:
    row = ("message", IDS[2], 7, 3)
    reset = sync_came(row, *MEMBERS, ("member", "carol", 5, 0), at=8, to=7, last=3)
    older = came(("message", IDS[0], 4, 1), at=9, known=7, y="sync", reset=False, more=False, to=7)
    story.histories["bob"] = [reset, older]
    assert story.verdict().counts["out of order"] == 0
    newer = came(("message", IDS[2], 7, 3), at=9, known=7)
    story.histories["bob"] = [sync_came(*MEMBERS, at=8, to=7, last=2), newer]
    assert story.verdict().counts["out of order"] == 1


def test_an_event_that_overtakes_another_is_right_while_the_gap_is_known(story: Story) -> None:
    lines = story.histories["bob"]
    lines[3], lines[4] = message_came(3, version=7, known=5), message_came(2, version=6, known=7)
    assert story.verdict().good


def test_the_same_event_twice_is_right(story: Story) -> None:
    story.histories["bob"].append(message_came(2, version=6, known=7, at=8))
    assert story.verdict().good


def test_a_device_whose_messages_change_their_order_is_found(story: Story) -> None:
    alice = story.histories["alice"]
    first = next(line for line in alice if line["e"] == "send" and line["id"] == IDS[0])
    alice.remove(first)
    alice.append({**first, "t": 9.0})
    assert story.counts() == {"out of order": 1}


def test_what_arrives_after_a_membership_ended_is_leaked(story: Story) -> None:
    story.histories["carol"].append(message_came(2, version=6))
    assert story.counts() == {"leaked": 1}


def test_what_rest_shows_after_a_membership_ended_is_leaked(story: Story) -> None:
    row = ("message", IDS[1], 6, 2)
    story.histories["carol"].append(came(row, at=9, known=None, y="rest"))
    assert story.counts() == {"leaked": 1}


def test_what_came_while_she_was_out_is_hers_once_she_is_back(story: Story) -> None:
    story.truth.changes.append(member_change("carol", version=8))
    row = ("message", IDS[1], 6, 2)
    lines = story.histories["carol"]
    lines.append(came(row, at=9, known=None, y="rest"))
    assert story.verdict().counts["leaked"] == 0
    lines.append(came(row, at=7.5, known=None, y="rest"))
    assert story.verdict().counts["leaked"] == 1


def test_a_conversation_given_to_a_stranger_is_leaked(story: Story) -> None:
    story.fresh["carol"] = story.fresh["bob"]
    assert story.verdict().counts["leaked"] == 1


def test_an_edit_that_did_not_arrive_leaves_a_device_unconverged(story: Story) -> None:
    story.mirrors["bob"][GROUP]["messages"][IDS[0]]["body"] = "older"
    assert story.counts() == {"unconverged": 1}


def test_a_membership_that_did_not_arrive_leaves_a_device_unconverged(story: Story) -> None:
    del story.mirrors["bob"][GROUP]["members"]["carol"]
    assert story.counts() == {"unconverged": 1}


def test_a_name_that_is_told_wrongly_is_contradicted(story: Story) -> None:
    story.truth.names["carol"] = "Caroline"
    assert story.counts() == {"contradicted": 2}


def test_who_is_out_and_changes_their_name_is_still_out_until_they_are_back(story: Story) -> None:
    story.truth.changes.append(member_change("carol", version=8, ended=True))
    story.truth.changes.append(member_change("carol", version=9))
    lines = story.histories["carol"]
    lines.append(came(("message", IDS[1], 6, 2), at=9.5, known=None, y="rest"))
    assert story.verdict().counts["leaked"] == 0
    lines.append(came(("message", IDS[1], 6, 2), at=8.5, known=None, y="rest"))
    assert story.verdict().counts["leaked"] == 1


def test_a_conversation_that_should_have_been_dropped_leaves_a_device_unconverged(
    story: Story,
) -> None:
    story.mirrors["carol"] = story.mirrors["bob"]
    assert story.counts() == {"unconverged": 1}


def test_an_event_of_a_change_that_was_never_committed_is_contradicted(story: Story) -> None:
    phantom = "50000000-0000-4000-8000-000000000005"
    story.histories["bob"].append(came(("message", phantom, 8, 4), at=9, known=8))
    assert story.counts() == {"contradicted": 1}


def test_versions_with_a_hole_are_contradicted(story: Story) -> None:
    story.truth.conversations[GROUP] = (3, 8, "Crew", "", False)
    assert story.verdict().counts["contradicted"] >= 1


def test_a_position_that_went_back_is_contradicted(story: Story) -> None:
    story.histories["bob"].append(
        {"t": 9, "e": "at", "c": GROUP, "u": "alice", "read": 4, "got": 4}
    )
    assert story.counts() == {"contradicted": 1}


def test_an_unacknowledged_message_may_be_stored_or_not(story: Story) -> None:
    story.histories["alice"].append({**sent(1, 9), "id": "never answered"})
    story.histories["alice"] = [
        line
        for line in story.histories["alice"]
        if not (line["e"] == "ack" and line["id"] == IDS[2])
    ]
    assert story.verdict().good


def test_a_version_that_two_rows_took_is_contradicted(story: Story) -> None:
    story.truth.changes.append(message_change(1, version=7))
    assert story.verdict().counts["contradicted"] == 1
