"""A mail server that delivers to a folder and can be asked what it got."""

from boss_mail_catcher.catcher import MailCatcher

__all__ = ["MailCatcher"]
