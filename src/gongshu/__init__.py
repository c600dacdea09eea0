"""Gongshu 公数: public-data management for local governments, under any local regulation."""

__version__ = "0.1.0"
