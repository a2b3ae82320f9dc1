"""What waits to be learned, beside a network: jobs and the process that does them, drafts, and the inbox; without HTTP."""

from senpath.teaching.database import FILE, JOBS, Database, state_folder
from senpath.teaching.drafts import Drafts
from senpath.teaching.inbox import Inbox, doubt_of
from senpath.teaching.jobs import DATA, ENDED, Jobs
from senpath.teaching.teacher import Teacher, Ways, require_open

__all__ = ["DATA", "ENDED", "FILE", "JOBS"]
__all__ += ["Database", "Drafts", "Inbox", "Jobs", "Teacher", "Ways", "doubt_of", "require_open", "state_folder"]
