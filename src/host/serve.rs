//! Serving requests: each is a call of this process, begun and waited for on this one thread, which owns the
//! object's apartment; so all that a method knows of its call it knows here as anywhere.

use super::seat::Seat;
use super::worker::{Refusal, set_up};
use crate::apartment::{Settings, Staff, private};
use crate::buffer::{Bytes, Input, Owned};
use crate::execution::{Attachment, Execution, Grace, Relay};
use crate::frame::Frame;
use crate::handle::Generation;
use crate::hresult::{Complaint, DISP_E_MEMBERNOTFOUND, E_OUTOFMEMORY, Hresult, Outcome, RPC_E_CALL_CANCELED, S_OK};
use crate::isolated::channel::{FAILED, Inbox, Outbox, READY};
use crate::isolated::wire::Writer;
use crate::module::{Module, introduce};
use crate::monitor;
use crate::object::{Manner, ObjectHold};
use crate::process::{end_process, is_alone, this_cpu};
use crate::spin::Spinner;
use crate::state::{ABANDONED, Fate};
use crate::sync::{Arc, Ordering};
use crate::time::{Deadline, INFINITE};
use crate::timer;
use crate::wait::{Hopeless, until_done};
use std::ffi::c_void;
use std::ptr;

/// What serves: the object, and where requests come from.
struct Service {
    seat: Arc<Seat>,
    socket: i32,
    inbox: Inbox,
    outbox: Outbox,
    object: ObjectHold,
    execution: &'static Execution,
}

/// What a request came to.
struct Answer {
    result: Hresult,
    entered: bool,
    /// Where its bytes lie: those of the output, and of a message.
    room: Option<u32>,
    lengths: [u64; 2],
}

/// Serves the host behind a socket until it goes: an object of the class that the host asks for, out of what
/// `main` registers, or out of the host's module.
pub fn serve(socket: i32, main: Option<crate::module::MainFn>) -> Outcome {
    let (seat, plan) = set_up(socket)?;
    let seat = Arc::new(seat);
    let (inbox, mut outbox) = (Inbox::default(), Outbox::default());
    let introduced = plan.restrict().and_then(|()| main.map_or_else(|| plan.load(), introduce));
    let made = introduced.and_then(|module| make(&module, &plan.class));
    let object = match made {
        Ok(object) => object,
        Err(complaint) => {
            refuse(&seat, &mut outbox, socket, &complaint);
            return Err(Refusal(complaint).into());
        }
    };
    timer::start()?;
    let listener = Arc::clone(&seat);
    let listening = monitor::spawn("call cancels", move || listener.listen());
    if listening.is_err() {
        return Err(crate::hresult::RPC_E_OUT_OF_RESOURCES.into());
    }
    let names: Vec<&[u8]> = object.class.methods.iter().map(|name| &**name).collect();
    let said = Writer::default().texts(names.into_iter()).0;
    let execution = Execution::take(ObjectHold::clone(&object))?;
    say(&seat, &mut outbox, socket, &said, READY);
    Service { seat, socket, inbox, outbox, object, execution }.serve();
    Ok(S_OK)
}

/// An object of that class on this thread.
fn make(module: &Module, class: &[u8]) -> Result<ObjectHold, Complaint> {
    let settings = Settings { staff: Staff::Single, name: "call host".to_owned(), ..Settings::default() };
    let queued = |class: &mut crate::object::Class| {
        if class.manner == Manner::CustomBegin {
            class.manner = Manner::Begin;
        }
    };
    let object = module.make(class, private(settings), queued)?;
    Ok(ObjectHold::new(object).map_err(|(failure, _)| failure)?)
}

/// Says something before the first request.
fn say(seat: &Seat, outbox: &mut Outbox, socket: i32, said: &[u8], stage: u32) {
    let head = seat.own.to_host();
    if let Ok(room) = outbox.put(&seat.own, socket, &[said]) {
        head.room.store(room, Ordering::Relaxed);
        head.length.store(said.len() as u64, Ordering::Release);
    }
    head.rare.stage.store(stage, Ordering::SeqCst);
    seat.ring();
}

fn refuse(seat: &Seat, outbox: &mut Outbox, socket: i32, complaint: &Complaint) {
    let code = u64::from(complaint.code.0.cast_unsigned());
    let said = Writer::default().number(code).text(complaint.text.as_bytes()).0;
    say(seat, outbox, socket, &said, FAILED);
}

impl Service {
    fn serve(mut self) {
        let mut spinner = Spinner::new();
        let mut turn = 0;
        let socket = self.socket;
        let alone = || is_alone(socket);
        while let Some(next) = self.seat.next_turn(turn, &mut spinner, alone) {
            turn = next;
            let answer = self.run(turn);
            self.answer(turn, &answer);
        }
        self.execution.detach();
    }

    fn run(&mut self, turn: u32) -> Answer {
        let head = self.seat.host.to_child();
        let (method, room) = (head.method.load(Ordering::Relaxed), head.room.load(Ordering::Relaxed));
        let (len, deadline) = (head.length.load(Ordering::Relaxed), head.deadline.load(Ordering::Relaxed));
        let Ok(from) = self.inbox.find(&self.seat.host, self.socket, room, len) else {
            // The host is not what it should be: nothing that it asks for is done.
            end_process(3)
        };
        if method as usize >= self.object.class.methods.len() {
            return Answer::of(DISP_E_MEMBERNOTFOUND);
        }
        let Some((execution, generation)) = self.next_execution() else { return Answer::of(E_OUTOFMEMORY) };
        let home = self.object.lease.home();
        if let Err(failure) = home.admit() {
            return Answer::of(failure.code);
        }
        let mut extra = Box::new(Attachment::new(0));
        // When the deadline has come, the host says how long the method has still.
        (extra.expiry, extra.grace_ms) = (Grace::from_bits(deadline), INFINITE);
        extra.relay = Some(Arc::clone(&self.seat) as Arc<dyn Relay>);
        let input = Owned { data: from.cast_mut().cast(), len: len as usize, free: nothing, user: ptr::null_mut() };
        execution.begin(generation, method, Input::owned(input), false, Some(extra));
        if !self.seat.enter(turn, execution, generation) {
            execution.disconnect(generation, Grace::AT_ONCE);
        }
        // This thread owns the apartment, and nothing else is in it: there is no need to go through its queue.
        Frame::around(home, || execution.run(Some(home)));
        home.retract();
        if !execution.is_done(generation) {
            // Whatever it says, `collect` sees how the method ended.
            let _ = until_done(execution, generation, Deadline::NEVER, Hopeless::Bear);
        }
        let answer = self.collect(execution, generation);
        self.seat.leave();
        answer
    }

    /// The execution of the next request: the last one again, or another where its method goes on.
    fn next_execution(&mut self) -> Option<(&'static Execution, Generation)> {
        if self.execution.next_generation().is_none() {
            let another = Execution::take(ObjectHold::clone(&self.object)).ok()?;
            std::mem::replace(&mut self.execution, another).detach();
        }
        self.execution.next_generation().map(|generation| (self.execution, generation))
    }

    fn answer(&self, turn: u32, answer: &Answer) {
        let head = self.seat.own.to_host();
        head.ran.store(if answer.entered { turn } else { turn.wrapping_sub(1) }, Ordering::Relaxed);
        if let Some(room) = answer.room {
            head.room.store(room, Ordering::Relaxed);
        }
        head.length.store(answer.lengths[0], Ordering::Relaxed);
        head.message.store(answer.lengths[1], Ordering::Relaxed);
        head.result.store(answer.result.0.cast_unsigned(), Ordering::Release);
        head.cpu.store(this_cpu(), Ordering::Relaxed);
        head.answered.store(turn, Ordering::SeqCst);
        self.seat.ring_answer();
    }

    /// What a begin came to, once its method is over; what it wrote goes to the host from where it lies.
    fn collect(&mut self, execution: &'static Execution, generation: Generation) -> Answer {
        let is_abandoned = execution.state_of(generation).is_some_and(|state| state.has(ABANDONED));
        if is_abandoned {
            execution.park_ended(generation);
        }
        let fate = execution.state_of(generation).map_or(Fate::None, crate::state::State::fate);
        let message = execution.inspect(generation, |_, told| told.message.map(ToOwned::to_owned)).flatten();
        let message = message.unwrap_or_default();
        let mut answer = Answer { entered: fate != Fate::NeverStarted, ..Answer::of(E_OUTOFMEMORY) };
        let (outbox, seat, socket) = (&mut self.outbox, &self.seat, self.socket);
        let before = outbox.number();
        let mut send = |output: &[u8]| {
            let parts = [output, message.as_bytes()];
            answer.room = outbox.put(&seat.own, socket, &parts).ok();
            answer.lengths = parts.map(|part| part.len() as u64);
        };
        let collected = execution.collect(generation, |bytes| {
            send(bytes.map_or(&[], Bytes::read));
            Ok(())
        });
        if outbox.number() != before {
            seat.offer(outbox.larger());
        }
        if answer.room.is_none() {
            answer.lengths = [0; 2];
            return answer;
        }
        answer.result = collected.unwrap_or(E_OUTOFMEMORY);
        if is_abandoned || fate == Fate::Stopped {
            // What the method gave, not what its client is told.
            answer.result = if fate == Fate::Completed { S_OK } else { RPC_E_CALL_CANCELED };
        }
        answer
    }
}

impl Answer {
    fn of(result: Hresult) -> Self {
        Self { result, entered: true, room: None, lengths: [0; 2] }
    }
}

/// The input is the host's.
///
/// # Safety
/// It touches nothing.
unsafe extern "C-unwind" fn nothing(_: *mut c_void, _: usize, _: *mut c_void) {}
