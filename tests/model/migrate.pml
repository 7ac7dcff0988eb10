/* The last words of a migration (runtime/migrate.h), with a link that may break and workers that may die between any two
 * of their steps. A worker that died is followed by its node's recovery; then the move is repeated until it is settled.
 *
 *	spin -run -safety migrate.pml
 *
 * What holds: never do both run it, and never is there none that has its data. */

#define FAULTS 2 /* breaks and deaths in one run */

mtype = { SENT, READY, COMMIT, DONE, FAILED };

chan to = [2] of { mtype };   /* giver to receiver */
chan from = [2] of { mtype }; /* receiver to giver */

bool link = true;  /* of this attempt */
byte faults = 0;

/* What each node's disk and kernel have. */
bool giver_runs = true, giver_frozen = false, giver_image = false, giver_data = true, handed = false;
bool receiver_runs = false, receiver_data = false, receiver_owns = false; /* its configuration */
bool giver_over = false, receiver_over = false; /* of this attempt */
bool settled = false;

#define ONE (!(giver_runs && receiver_runs))
#define SOME (giver_data || receiver_data)

active proctype watch()
{
end:
	do
	:: atomic { !ONE || !SOME || (handed && giver_runs) -> assert(false) }
	od
}

inline may_break()
{
	if
	:: faults < FAULTS && link -> atomic { faults++; link = false }
	:: true
	fi
}

/* The worker is killed here, and recovery has run. */
inline giver_recovers()
{
	link = false;
	if
	:: handed -> giver_frozen = false; giver_runs = false
	:: !handed && giver_frozen -> atomic { giver_frozen = false; giver_image = false; giver_runs = true }
	:: else
	fi
}

inline receiver_recovers()
{
	link = false;
	if
	:: receiver_owns -> receiver_runs = true
	:: else -> receiver_data = false
	fi
}

proctype giver()
{
	mtype word;

	if
	:: giver_runs -> atomic { giver_runs = false; giver_frozen = true }; giver_image = true
	:: else /* suspended, by an attempt before */
	fi;
	may_break();
	if
	:: faults < FAULTS -> faults++; giver_recovers(); goto over
	:: true
	fi;
	if
	:: link -> to!SENT
	:: !link -> goto back
	fi;
	if
	:: from?word
	:: !link -> goto back
	fi;
	if
	:: word == FAILED -> goto back
	:: else
	fi;
	handed = true;
	if
	:: faults < FAULTS -> faults++; giver_recovers(); goto over
	:: true
	fi;
	may_break();
	if
	:: link -> to!COMMIT
	:: !link -> goto unknown
	fi;
	if
	:: from?word
	:: !link -> goto unknown
	fi;
	if
	:: word == FAILED -> handed = false; goto back
	:: word == DONE -> giver_frozen = false; giver_image = false; giver_data = false; settled = true; goto over
	fi;
unknown:
	giver_frozen = false; /* killed; the image stays */
	goto over;
back:
	if
	:: giver_frozen -> atomic { giver_frozen = false; giver_image = false; giver_runs = true }
	:: else
	fi;
over:
	giver_over = true
}

proctype receiver()
{
	mtype word;

	receiver_data = true;
	if
	:: to?word
	:: !link -> goto discard
	fi;
	if
	:: faults < FAULTS -> faults++; receiver_recovers(); goto over
	:: true
	fi;
	may_break();
	if
	:: link -> from!READY
	:: link && faults < FAULTS -> faults++; receiver_data = false; from!FAILED; goto over
	:: !link -> goto discard
	fi;
	/* What was sent before a break may have arrived, or not. */
	if
	:: to?word
	:: !link -> goto discard
	fi;
	if
	:: faults < FAULTS -> faults++; receiver_data = false; from!FAILED; goto over
	:: true
	fi;
	receiver_owns = true;
	if
	:: faults < FAULTS -> faults++; receiver_recovers(); goto over
	:: true
	fi;
	receiver_runs = true;
	may_break();
	if
	:: link -> from!DONE
	:: !link
	fi;
	goto over;
discard:
	receiver_data = false;
over:
	receiver_over = true
}

/* One attempt after the other. A receiver that has it already says so. */
init {
	do
	:: settled -> break
	:: !settled && receiver_owns ->
		giver_image = false; giver_data = false; settled = true
	:: !settled && !receiver_owns ->
		atomic {
			link = true; giver_over = false; receiver_over = false;
			do
			:: to?_
			:: from?_
			:: empty(to) && empty(from) -> break
			od
		};
		run giver();
		run receiver();
		/* An end of one is the end of the stream for the other. */
		do
		:: giver_over && receiver_over -> break
		:: giver_over && !receiver_over && empty(to) -> link = false; receiver_over -> break
		:: receiver_over && !giver_over && empty(from) -> link = false; giver_over -> break
		od
	od;
	assert(receiver_owns && receiver_data && receiver_runs && !giver_data && !giver_runs && !giver_frozen)
}
