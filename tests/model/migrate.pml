/* The last words of a migration (runtime/migrate.h), of a VE that runs or is suspended, between three: the giving node's
 * worker, its vzmigrate, which leads (cmd/mover.c), and the receiving node's worker with the far end of vzmigrate before
 * it (cmd/receive.c). The link may break and each of them be killed at any moment; after a worker comes its node's
 * recovery. A move is repeated until it is settled, and between two attempts somebody may resume the VE where it was,
 * unless that is refused.
 *
 *	spin -run -safety migrate.pml
 */

#define FAULTS 2 /* breaks, deaths and refusals in one run */

mtype = { STILL, HANDOVER, HANDED, ARRIVED, SENT, READY, COMMIT, DONE, FAILED, LOST };

/* Of one attempt: giving worker and vzmigrate on one node, vzmigrate and receiving worker over ssh. */
chan up = [2] of { mtype };
chan down = [2] of { mtype };
chan to = [2] of { mtype };
chan from = [2] of { mtype };
bool here, link; /* these streams are open */
bool giver_killed, mover_killed, receiver_killed;
bool giver_over, mover_over, receiver_over;

byte faults = 0;
bool settled = false;

/* What each node's disk and kernel have. */
bool giver_runs = true, giver_frozen = false, giver_image = false, giver_data = true;
bool handed = false; /* the mark of runtime/handover.h */
bool receiver_runs = false, receiver_data = false;
bool receiver_owns = false; /* its configuration */

active proctype watch()
{
end:
	do
	/* It runs on one node. */
	:: giver_runs && receiver_runs -> assert(false)
	:: giver_runs && handed -> assert(false)
	:: receiver_runs && !receiver_owns -> assert(false)
	/* It runs, or has an image to be resumed from. */
	:: giver_runs && giver_image -> assert(false)
	/* Whose it is has all of it. */
	:: receiver_owns && !receiver_data -> assert(false)
	:: !receiver_owns && !giver_data -> assert(false)
	:: !receiver_owns && !giver_runs && !giver_frozen && !giver_image -> assert(false)
	/* It changes hands by two steps, in this order. */
	:: receiver_owns && giver_data && !handed -> assert(false)
	od
}

/* What was sent before a break may arrive, or not. */
active proctype fate()
{
end:
	do
	:: atomic {
		faults < FAULTS && link -> faults++; link = false;
		if
		:: to?_
		:: true
		fi;
		if
		:: from?_
		:: true
		fi
	}
	:: atomic { faults < FAULTS && !giver_over && !giver_killed -> faults++; giver_killed = true }
	:: atomic { faults < FAULTS && !mover_over && !mover_killed -> faults++; mover_killed = true }
	:: atomic { faults < FAULTS && !receiver_over && !receiver_killed -> faults++; receiver_killed = true }
	od
}

#define SAY(stream, channel, word, otherwise) \
	if \
	:: stream -> channel!word \
	:: !stream -> goto otherwise \
	fi

#define HEAR(stream, channel, otherwise) \
	if \
	:: channel?word \
	:: !stream && empty(channel) -> goto otherwise \
	fi

/* runtime/migrate_out.c, in CRIU's last callback for a VE that runs; runtime/create.c gives away. */
proctype giver()
{
	mtype word;

	{
		if
		:: giver_runs -> atomic { giver_runs = false; giver_frozen = true }; giver_image = true
		:: else
		fi;
		SAY(here, up, STILL, back);
		HEAR(here, down, back);
		handed = true;
		if
		:: here -> up!HANDED
		:: !here
		fi;
		HEAR(here, down, unknown);
		if
		:: word == FAILED -> handed = false; goto back
		:: word == ARRIVED
		fi;
		giver_frozen = false; /* killed */
		giver_image = false;
		giver_data = false;
		settled = true;
		goto over;
unknown:
		giver_frozen = false; /* killed; the image stays */
		goto over;
back:
		if
		:: giver_frozen -> giver_image = false; atomic { giver_frozen = false; giver_runs = true }
		:: else
		fi
	} unless { giver_killed };
over:
	here = false;
	/* runtime/suspend.c, suspend_recover() */
	if
	:: giver_killed && giver_frozen && handed -> giver_frozen = false
	:: giver_killed && giver_frozen && !handed -> giver_image = false; atomic { giver_frozen = false; giver_runs = true }
	:: else
	fi;
	giver_over = true
}

proctype mover()
{
	mtype word;

	{
		HEAR(here, up, over);
		SAY(link, to, SENT, over);
		HEAR(link, from, over);
		if
		:: word == READY
		:: word == FAILED -> goto over
		fi;
		SAY(here, down, HANDOVER, over);
		HEAR(here, up, over);
		SAY(link, to, COMMIT, over);
		HEAR(link, from, over);
		if
		:: word == DONE -> SAY(here, down, ARRIVED, over)
		:: word == FAILED -> SAY(here, down, FAILED, over)
		:: word == LOST
		fi
	} unless { mover_killed };
over:
	here = false;
	link = false;
	mover_over = true
}

/* runtime/migrate_in.c: what it has restored stands still until the VE is its own. */
proctype receiver()
{
	mtype word;
	bool committed = false; /* that was passed on to the worker */

	{
		HEAR(link, to, discard);
		receiver_data = true;
		SAY(link, from, READY, discard);
		if
		:: atomic { to?word -> committed = true }
		:: !link && empty(to) -> goto discard
		fi;
		if
		:: true
		:: atomic { faults < FAULTS -> faults++ }; goto discard
		fi;
		receiver_owns = true;
		receiver_runs = true;
		SAY(link, from, DONE, over);
		goto over;
discard:
		receiver_data = false;
		SAY(link, from, FAILED, over)
	} unless { receiver_killed };
over:
	/* The far end speaks for a worker that is lost. */
	if
	:: receiver_killed && link -> from!(committed -> LOST : FAILED)
	:: else
	fi;
	link = false;
	/* runtime/recover.c */
	if
	:: receiver_killed && receiver_owns -> receiver_runs = true
	:: receiver_killed && !receiver_owns -> receiver_data = false
	:: else
	fi;
	receiver_over = true
}

inline attempt()
{
	atomic {
		do
		:: up?_
		:: down?_
		:: to?_
		:: from?_
		:: empty(up) && empty(down) && empty(to) && empty(from) -> break
		od;
		here = true; link = true;
		giver_killed = false; mover_killed = false; receiver_killed = false;
		giver_over = false; mover_over = false; receiver_over = false;
		run giver(); run mover(); run receiver()
	};
	giver_over && mover_over && receiver_over
}

init {
	attempt();
	do
	:: settled -> break
	/* The receiver says HAVE: what is left on the giver goes. */
	:: !settled && receiver_owns -> giver_image = false; giver_data = false; settled = true
	:: !settled && !receiver_owns -> attempt()
	:: atomic { !settled && !handed && giver_image -> giver_image = false; giver_runs = true }
	od;
	assert(receiver_runs && !giver_runs && !giver_frozen && !giver_image && !giver_data)
}
