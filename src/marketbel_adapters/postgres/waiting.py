"""What the schema owes to others: made when they are there, waiting while they are not.

The key of reviewers needs the admin API's table `users`; the embeddings need the extension
`vector`; the rule on categories needs rows that keep it. Each statement may be run at any time
and any number of times, by the revisions and by `migrate` alike, and does nothing when there is
nothing to do or nothing may be done. What others may have made before us bears a mark when we
made it: the way back removes that alone.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

__all__ = [
    "DROP_UNUSED_VECTOR",
    "ENSURE_EMBEDDINGS",
    "ENSURE_PARENTS",
    "ENSURE_REVIEWER_KEY",
    "ENSURE_VECTOR",
    "MADE_BY_US",
    "OptionalParts",
    "ensure_optional_parts",
    "find_optional_parts",
]

MADE_BY_US: Final = "made by marketbel migrate"
"""The comment on what `downgrade` may remove; what bears another one is somebody else's."""

ENSURE_REVIEWER_KEY: Final = (
    # NOT VALID: a review may name a user who is gone. That must not hold up the schema, nor
    # may the name be wiped; the key holds for every write from now on.
    """
    DO $$ BEGIN
        IF to_regclass('public.match_review_queue') IS NULL
            OR to_regclass('public.users') IS NULL
            OR EXISTS (
                SELECT FROM pg_constraint
                WHERE contype = 'f'
                    AND conrelid = to_regclass('public.match_review_queue')
                    AND confrelid = to_regclass('public.users')
            )
        THEN
            RETURN;
        END IF;
        ALTER TABLE public.match_review_queue
            ADD CONSTRAINT match_review_queue_reviewed_by_fkey FOREIGN KEY (reviewed_by)
            REFERENCES public.users (id) ON DELETE SET NULL NOT VALID;
    EXCEPTION
        WHEN insufficient_privilege OR wrong_object_type OR undefined_column
            OR invalid_foreign_key OR datatype_mismatch
        THEN
            RAISE NOTICE 'match_review_queue.reviewed_by waits: %', SQLERRM;
    END $$
    """,
    """
    DO $$ BEGIN
        IF EXISTS (
            SELECT FROM pg_constraint
            WHERE conname = 'match_review_queue_reviewed_by_fkey'
                AND conrelid = to_regclass('public.match_review_queue')
                AND NOT convalidated
        ) THEN
            ALTER TABLE public.match_review_queue
                VALIDATE CONSTRAINT match_review_queue_reviewed_by_fkey;
        END IF;
    EXCEPTION
        WHEN foreign_key_violation THEN
            RAISE NOTICE 'match_review_queue.reviewed_by names users who do not exist';
    END $$
    """,
)
ENSURE_PARENTS: Final = (
    # Nothing forbade it before: a row that breaks the rule is kept, and the rule waits. It is not
    # added as NOT VALID: no other field of such a row could be changed then.
    """
    DO $$ BEGIN
        IF to_regclass('public.categories') IS NOT NULL AND NOT EXISTS (
            SELECT FROM pg_constraint
            WHERE conname = 'chk_no_self_reference'
                AND conrelid = to_regclass('public.categories')
        ) THEN
            ALTER TABLE public.categories
                ADD CONSTRAINT chk_no_self_reference CHECK (id <> parent_id);
        END IF;
    EXCEPTION
        WHEN check_violation THEN
            RAISE NOTICE 'some categories name themselves as their parent';
    END $$
    """,
)
ENSURE_VECTOR: Final = (
    # Refused by the role's rights, by the provider's list, or by a half-installed library.
    # Where a provider keeps the extension as its own, it goes without our mark.
    f"""
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')
            AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')
        THEN
            CREATE EXTENSION vector;
            BEGIN
                COMMENT ON EXTENSION vector IS '{MADE_BY_US}';
            EXCEPTION
                WHEN insufficient_privilege THEN NULL;
            END;
        END IF;
    EXCEPTION
        WHEN insufficient_privilege OR feature_not_supported OR undefined_file THEN
            RAISE NOTICE 'the extension vector waits: %', SQLERRM;
    END $$
    """,  # noqa: S608 - the only value is the constant above
)
DROP_UNUSED_VECTOR: Final = (
    # Somebody else's extension, or one that others use, is left alone.
    f"""
    DO $$ BEGIN
        IF EXISTS (
            SELECT FROM pg_extension
            WHERE extname = 'vector' AND obj_description(oid, 'pg_extension') = '{MADE_BY_US}'
        ) THEN
            DROP EXTENSION vector RESTRICT;
        END IF;
    EXCEPTION
        WHEN insufficient_privilege OR dependent_objects_still_exist THEN
            RAISE NOTICE 'the extension vector stays: %', SQLERRM;
    END $$
    """,
)
ENSURE_EMBEDDINGS: Final = (
    # The extension may live in a schema that is not on the search path.
    """
    DO $$
    DECLARE
        home text := (
            SELECT quote_ident(n.nspname)
            FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
            WHERE e.extname = 'vector'
        );
    BEGIN
        IF home IS NULL
            OR to_regclass('public.supplier_items') IS NULL
            OR to_regclass('public.product_embeddings') IS NOT NULL
        THEN
            RETURN;
        END IF;
        EXECUTE 'CREATE TABLE public.product_embeddings (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            supplier_item_id uuid NOT NULL
                REFERENCES public.supplier_items (id) ON DELETE CASCADE,
            embedding ' || home || '.vector(768),
            model_name varchar(100) NOT NULL DEFAULT ''nomic-embed-text'',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT unique_item_model_embedding UNIQUE (supplier_item_id, model_name)
        )';
        EXECUTE 'CREATE INDEX product_embeddings_embedding_idx ON public.product_embeddings
            USING ivfflat (embedding ' || home || '.vector_cosine_ops) WITH (lists = 100)';
        CREATE INDEX idx_embeddings_supplier_item_id
            ON public.product_embeddings (supplier_item_id);
        CREATE INDEX idx_embeddings_model_name ON public.product_embeddings (model_name);
    END $$
    """,
)

_FIND: Final = text(
    """
    SELECT
        to_regclass('public.users') IS NOT NULL AS users,
        (
            SELECT bool_and(convalidated) FROM pg_constraint
            WHERE contype = 'f'
                AND conrelid = to_regclass('public.match_review_queue')
                AND confrelid = to_regclass('public.users')
        ) AS key_valid,
        (
            SELECT EXISTS (
                SELECT FROM pg_constraint
                WHERE conname = 'chk_no_self_reference' AND conrelid = attrelid
            )
            FROM pg_attribute
            WHERE attrelid = to_regclass('public.categories') AND attname = 'needs_review'
                AND NOT attisdropped
        ) AS parents_checked,
        EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS vector_offered,
        EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') AS vector_installed,
        to_regclass('public.product_embeddings') IS NOT NULL AS embeddings
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalParts:
    """Which of the parts that depend on others are there.

    Attributes:
        users: The admin API's table is there.
        key_valid: Whether the reviewers' key holds for all rows; `None` when there is no key.
        parents_checked: Whether the rule that no category is its own parent is there; `None`
            in a schema older than the rule.
        vector_offered: The server has the extension on its disk.
        vector_installed: The extension is installed in this database.
        embeddings: The table `product_embeddings` is there.
    """

    users: bool
    key_valid: bool | None
    parents_checked: bool | None
    vector_offered: bool
    vector_installed: bool
    embeddings: bool

    def added_since(self, before: "OptionalParts") -> tuple[str, ...]:
        """Return a sentence for each part that was not there before."""
        changes = (
            (
                before.key_valid is None and self.key_valid is not None,
                "match_review_queue.reviewed_by now refers to users",
            ),
            (
                before.key_valid is False and self.key_valid is True,
                "match_review_queue.reviewed_by now refers to users in every row",
            ),
            (
                before.parents_checked is False and self.parents_checked is True,
                "no category is its own parent any more, and none can become it",
            ),
            (
                self.vector_installed and not before.vector_installed,
                "the extension vector is now installed",
            ),
            (
                self.embeddings and not before.embeddings,
                "the table product_embeddings was made",
            ),
        )
        return tuple(sentence for happened, sentence in changes if happened)

    def waiting(self) -> tuple[str, ...]:
        """Return a sentence for each part that still waits, with what it waits for."""
        sentences = (self._waiting_key(), self._waiting_parents(), self._waiting_embeddings())
        return tuple(sentence for sentence in sentences if sentence is not None)

    def _waiting_key(self) -> str | None:
        if self.key_valid is True:
            return None
        if self.key_valid is False:
            return (
                "some rows of match_review_queue name reviewers that users does not have;"
                " the key holds for new rows, and for all once those are corrected"
            )
        if self.users:
            return (
                "match_review_queue.reviewed_by cannot refer to users yet: this role needs the"
                " right REFERENCES on users, and users needs a uuid primary key id"
            )
        return "match_review_queue.reviewed_by waits for the table users"

    def _waiting_parents(self) -> str | None:
        if self.parents_checked is not False:
            return None
        return (
            "the rule that no category is its own parent waits: some rows of categories name"
            " themselves in parent_id"
        )

    def _waiting_embeddings(self) -> str | None:
        if self.embeddings:
            return None
        if self.vector_installed:
            return "the table product_embeddings waits for the next migration"
        if self.vector_offered:
            return (
                "the table product_embeddings waits for the extension vector, which this role"
                " may not create: let an administrator run CREATE EXTENSION vector"
            )
        return (
            "the table product_embeddings waits for the extension vector, which this server"
            " does not have"
        )


def find_optional_parts(connection: Connection) -> OptionalParts:
    """Return which optional parts the database has now."""
    return OptionalParts(**connection.execute(_FIND).mappings().one())


def ensure_optional_parts(connection: Connection) -> None:
    """Make what can be made now; the caller's transaction decides whether it stays."""
    for statement in (
        *ENSURE_REVIEWER_KEY,
        *ENSURE_PARENTS,
        *ENSURE_VECTOR,
        *ENSURE_EMBEDDINGS,
    ):
        connection.exec_driver_sql(statement)
