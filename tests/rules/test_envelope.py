from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parkerflight.vault.envelope import HEADER, TAG_BYTES, DataKey, NotOpened, Place, seal, unseal

names = st.text(st.characters(codec="ascii", categories=["Ll", "Nd", "Pc"]), min_size=1, max_size=40)
places = st.builds(Place, table=names, column=names, row_id=st.uuids())
keys = st.builds(DataKey, id=st.uuids(), owner_id=st.uuids(), secret=st.binary(min_size=32, max_size=32))
plain = st.binary(max_size=300)


def refuses(key, place, sealed):
    with pytest.raises(NotOpened) as refusal:
        unseal(key, place, sealed)
    assert str(refusal.value) == "a sealed value does not open at this place"


class TestSealedValue:
    @given(keys, places, plain)
    def test_opens_where_it_was_sealed(self, key, place, text):
        assert unseal(key, place, seal(key, place, text)) == text

    @given(keys, places, plain)
    def test_is_never_the_same_twice(self, key, place, text):
        assert seal(key, place, text) != seal(key, place, text)

    @given(keys, places, places, plain)
    def test_does_not_open_at_another_place(self, key, place, other, text):
        if place != other:
            refuses(key, other, seal(key, place, text))

    @given(keys, places, st.uuids(), names, plain)
    def test_does_not_open_in_another_row_column_or_table(self, key, place, row_id, name, text):
        sealed = seal(key, place, text)
        for moved in (replace(place, row_id=row_id), replace(place, column=name), replace(place, table=name)):
            if moved != place:
                refuses(key, moved, sealed)

    @given(keys, names, names, st.uuids(), plain)
    def test_does_not_confuse_names_that_join_to_the_same_text(self, key, table, column, row_id, text):
        """`ab` + `c` is another place than `a` + `bc`."""
        joined = table + column
        for cut in range(1, len(joined)):
            if cut != len(table):
                moved = Place(joined[:cut], joined[cut:], row_id)
                refuses(key, moved, seal(key, Place(table, column, row_id), text))

    @given(keys, places, st.uuids(), plain)
    def test_does_not_open_for_another_owner_with_the_same_key(self, key, place, owner_id, text):
        if owner_id != key.owner_id:
            refuses(replace(key, owner_id=owner_id), place, seal(key, place, text))

    @given(keys, places, st.uuids(), plain)
    def test_does_not_open_under_another_name_of_the_key(self, key, place, key_id, text):
        if key_id != key.id:
            sealed = seal(key, place, text)
            refuses(replace(key, id=key_id), place, sealed)
            renamed = sealed[:2] + key_id.bytes + sealed[18:]
            refuses(replace(key, id=key_id), place, renamed)

    @given(keys, places, st.binary(min_size=32, max_size=32), plain)
    def test_does_not_open_with_another_secret(self, key, place, secret, text):
        if secret != key.secret:
            refuses(replace(key, secret=secret), place, seal(key, place, text))

    @given(keys, places, plain, st.data())
    def test_does_not_open_with_any_bit_changed(self, key, place, text, data):
        sealed = bytearray(seal(key, place, text))
        bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
        sealed[bit // 8] ^= 1 << bit % 8
        refuses(key, place, bytes(sealed))

    @given(keys, places, plain, st.integers(0, 255), st.integers(0, 1))
    def test_does_not_open_as_another_version_or_algorithm(self, key, place, text, value, position):
        sealed = bytearray(seal(key, place, text))
        if sealed[position] != value:
            sealed[position] = value
            refuses(key, place, bytes(sealed))

    @given(keys, places, plain, st.data())
    def test_does_not_open_cut_or_extended(self, key, place, text, data):
        sealed = seal(key, place, text)
        refuses(key, place, sealed[: data.draw(st.integers(0, len(sealed) - 1))])
        refuses(key, place, sealed + data.draw(st.binary(min_size=1, max_size=40)))

    @given(keys, places, st.binary(max_size=400))
    def test_is_not_made_of_noise(self, key, place, noise):
        refuses(key, place, noise)

    @given(keys, places, st.binary(min_size=8, max_size=300))
    def test_has_a_fixed_overhead_and_no_clear_byte_sequence(self, key, place, text):
        sealed = seal(key, place, text)
        assert len(sealed) == HEADER.size + len(text) + TAG_BYTES
        assert text not in sealed

    def test_key_shows_neither_secret_nor_name(self):
        key = DataKey(id=UUID(int=7), owner_id=UUID(int=8), secret=b"s" * 32)
        assert repr(key) == str(key) == "DataKey(…)"
