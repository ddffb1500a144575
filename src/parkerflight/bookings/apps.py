from django.apps import AppConfig


class BookingsConfig(AppConfig):
    name = "parkerflight.bookings"
    label = "bookings"
