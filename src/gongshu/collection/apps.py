from django.apps import AppConfig


class CollectionConfig(AppConfig):
    name = "gongshu.collection"
    verbose_name = "归集"
