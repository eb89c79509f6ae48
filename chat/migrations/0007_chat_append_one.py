"""What `chat.actions.storing_at_once` calls for a message that comes alone.

What `chat_append` does for a batch of one that names nobody and replies to nothing, as most do, by
the plainest statements: it has half of the work with it.
"""

from django.db import migrations

from chat.migrations._functions import function

# As for `chat_append`: plans are kept, and rows found through their keys.
APPEND = """
CREATE FUNCTION chat_append_one(
  new_id uuid, room_id uuid, person uuid, words text, print bytea, waiting boolean,
  OUT outcome text, OUT is_member boolean, OUT seq bigint, OUT version bigint, OUT mentioned text,
  OUT ended bigint, OUT at timestamptz
)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
  room record;
  seat record;
  is_locked boolean;
BEGIN
  IF waiting THEN
    SELECT each.last_seq, each.version, each.ended_version, each.archived_at INTO room
    FROM chat_conversation AS each WHERE each.id = room_id FOR NO KEY UPDATE;
  ELSE
    SELECT each.last_seq, each.version, each.ended_version, each.archived_at INTO room
    FROM chat_conversation AS each WHERE each.id = room_id FOR NO KEY UPDATE SKIP LOCKED;
  END IF;
  is_locked := FOUND;
  at := clock_timestamp();

  -- Statements of their own, so that they see what was committed before the row was locked.
  SELECT each.id, each.left_at INTO seat
  FROM chat_membership AS each WHERE each.conversation_id = room_id AND each.user_id = person;
  is_member := FOUND AND seat.left_at IS NULL;
  IF is_member AND NOT is_locked THEN
    outcome := 'busy';
    RETURN;
  END IF;
  PERFORM FROM chat_message AS each WHERE each.id = new_id;
  IF FOUND THEN
    outcome := 'known';
    RETURN;
  END IF;
  IF NOT is_member THEN
    outcome := 'stranger';
    RETURN;
  END IF;
  IF room.archived_at IS NOT NULL THEN
    outcome := 'archived';
    RETURN;
  END IF;

  outcome := 'stored';
  seq := room.last_seq + 1;
  version := room.version + 1;
  mentioned := '[]';
  ended := room.ended_version;
  INSERT INTO chat_message (
    id, conversation_id, seq, version, sender_id, kind, body, mentioned, fingerprint, created_at
  ) VALUES (new_id, room_id, seq, version, person, 'text', words, '[]', print, at);
  UPDATE chat_conversation AS each
  SET last_seq = seq, version = chat_append_one.version, last_message_at = at
  WHERE each.id = room_id;
  -- One's own message is never unread: whoever had read everything has read it too.
  UPDATE chat_membership AS each
  SET delivered_seq = seq,
    read_seq = CASE WHEN each.read_seq = seq - 1 - each.own_after_read
      THEN seq ELSE each.read_seq END,
    own_after_read = CASE WHEN each.read_seq = seq - 1 - each.own_after_read
      THEN 0 ELSE each.own_after_read + 1 END
  WHERE each.id = seat.id;
END
$function$
"""
DROP = "DROP FUNCTION chat_append_one(uuid, uuid, uuid, text, bytea, boolean)"


class Migration(migrations.Migration):
    dependencies = [("chat", "0006_membership_of_user")]

    operations = [function(APPEND, DROP)]
