//! What a program of one thread at a time does with apartments, objects and call objects.

use super::actors::on;
use super::api::{self, Order, Spoiled};
use super::bindings::*;
use super::contract::{Apartment, Call, Model, Object, Staff};
use super::program::Op;
use super::sequential::{Checked, Run, handle};
use super::server::Shape;
use std::collections::VecDeque;

/// More of them are not made.
const APARTMENTS: usize = 6;
const OBJECTS: usize = 8;
const CALLS: usize = 8;

impl Run {
    pub(super) fn apartment_create(&mut self, who: usize, kind: u8, b: u8) -> Checked {
        if self.apartments.len() == APARTMENTS {
            return Ok(());
        }
        let mut kind = u32::from(kind % 4);
        if kind == 1 && self.model.served_by(who).is_some() {
            kind = 2;
        }
        let workers = 1 + u32::from(b >> 2 & 1);
        let order = Order { kind, workers, limit: u32::from(b % 4), flags: u32::from(b == 255) };
        let (code, home) = on(who, move || api::apartment_create(order));
        let wrong = kind == 3 || order.flags != 0;
        self.expect(who, Op::ApartmentCreate, &vec![if wrong { E_INVALIDARG } else { S_OK }], code, false)?;
        if code == S_OK {
            let staff = [Staff::Multi(workers as usize), Staff::Single(who), Staff::Serial][kind as usize];
            let limit = order.limit as usize;
            let queue = VecDeque::new();
            self.model.apartments.push(Apartment { held: true, staff, closed: false, limit, queue, busy: 0 });
            self.apartments.push(home);
        }
        Ok(())
    }

    pub(super) fn apartment_close(&mut self, who: usize, at: Option<usize>) -> Checked {
        let home = handle(&self.apartments, at);
        let (code, remaining) = on(who, move || api::close(home, 0));
        self.expect(who, Op::ApartmentClose, &self.model.close_codes(at), code, false)?;
        let expected = self.model.lives_apartment(at).map_or(0, |at| self.model.remaining(at));
        if remaining as usize != expected {
            return Err(format!("{remaining} methods remain, the model has {expected}"));
        }
        if let Some(at) = self.model.lives_apartment(at) {
            self.model.closed(at);
        }
        Ok(())
    }

    pub(super) fn apartment_release(&mut self, who: usize, at: Option<usize>) -> Checked {
        let home = handle(&self.apartments, at);
        let code = on(who, move || call_apartment_release(home));
        let living = self.model.lives_apartment(at);
        self.expect(who, Op::ApartmentRelease, &Model::plain(living.is_some(), false), code, false)?;
        if let Some(at) = living {
            self.model.apartments[at].held = false;
        }
        Ok(())
    }

    pub(super) fn pump(&mut self, who: usize, at: Option<usize>) -> Checked {
        let home = handle(&self.apartments, at);
        let codes = self.model.pump_codes(at, who);
        let (code, served) = on(who, move || api::pump(home, 0));
        self.expect(who, Op::Pump, &codes, code, false)?;
        let started = if code == S_OK { self.model.serve_single(at.unwrap_or(0), None) } else { Vec::new() };
        if served as usize != started.len() {
            return Err(format!("{served} methods served, the model has {started:?}"));
        }
        self.started(Some(who), &started)
    }

    pub(super) fn object_create(&mut self, who: usize, at: Option<usize>, shape: Shape, how: Spoiled) -> Checked {
        if self.objects.len() == OBJECTS {
            return Ok(());
        }
        let home = handle(&self.apartments, at);
        let thing = self.ledger.thing(shape);
        let address = thing.expose_provenance();
        let (code, object) = on(who, move || api::object_create(home, shape, address, how));
        let codes = match (how, at) {
            (Spoiled::NullOut, _) => vec![E_POINTER],
            (Spoiled::Functions | Spoiled::Size, _) => vec![E_INVALIDARG],
            (_, Some(0)) => vec![S_OK],
            (_, at) if self.model.lives_apartment(at).is_none() => vec![E_HANDLE],
            (_, Some(at)) if self.model.apartments[at].closed => vec![RPC_E_DISCONNECTED],
            _ => vec![S_OK],
        };
        self.things.push((thing, code == S_OK));
        self.expect(who, Op::ObjectCreate, &codes, code, false)?;
        if code == S_OK {
            let apartment = at.unwrap_or(0);
            self.model.objects.push(Object { references: 1, apartment, shape, disconnected: false });
            self.objects.push(object);
        }
        Ok(())
    }

    pub(super) fn object_add_ref(&mut self, who: usize, at: Option<usize>) -> Checked {
        let object = handle(&self.objects, at);
        let code = on(who, move || call_object_add_ref(object));
        let living = self.model.lives_object(at);
        self.expect(who, Op::ObjectAddRef, &Model::plain(living.is_some(), false), code, false)?;
        if let Some(at) = living {
            self.model.objects[at].references += 1;
        }
        Ok(())
    }

    pub(super) fn object_release(&mut self, who: usize, at: Option<usize>) -> Checked {
        let object = handle(&self.objects, at);
        let code = on(who, move || call_object_release(object));
        let living = self.model.lives_object(at);
        self.expect(who, Op::ObjectRelease, &Model::plain(living.is_some(), false), code, false)?;
        if let Some(at) = living {
            self.model.objects[at].references -= 1;
        }
        Ok(())
    }

    pub(super) fn disconnect(&mut self, who: usize, at: Option<usize>) -> Checked {
        let object = handle(&self.objects, at);
        let code = on(who, move || call_object_disconnect(object));
        let living = self.model.lives_object(at);
        self.expect(who, Op::Disconnect, &Model::plain(living.is_some(), false), code, false)?;
        if let Some(at) = living {
            self.model.disconnected(at);
        }
        Ok(())
    }

    pub(super) fn find_method(&mut self, who: usize, at: Option<usize>, method: u32) -> Checked {
        let object = handle(&self.objects, at);
        let (code, found) = on(who, move || api::find_method(object, method));
        let codes = match self.model.lives_object(at) {
            None => vec![E_HANDLE],
            Some(_) if method == 2 => vec![DISP_E_UNKNOWNNAME],
            Some(_) => vec![S_OK],
        };
        self.expect(who, Op::FindMethod, &codes, code, false)?;
        let expected = if code == S_OK { method } else { 0 };
        if found == expected { Ok(()) } else { Err(format!("the method's number is {found}")) }
    }

    pub(super) fn create(&mut self, who: usize, at: Option<usize>, null: bool) -> Checked {
        if self.calls.len() == CALLS {
            return Ok(());
        }
        let object = handle(&self.objects, at);
        let (code, call) = on(who, move || api::create(object, null));
        let living = self.model.lives_object(at);
        self.expect(who, Op::Create, &Model::plain(living.is_some(), null), code, false)?;
        if code == S_OK {
            self.model.calls.push(Call { references: 1, object: at.unwrap_or(0), begins: Vec::new() });
            self.calls.push(call);
        }
        Ok(())
    }

    pub(super) fn add_ref(&mut self, who: usize, at: Option<usize>) -> Checked {
        let call = handle(&self.calls, at);
        let code = on(who, move || call_add_ref(call));
        let living = self.model.lives_call(at);
        self.expect(who, Op::AddRef, &Model::plain(living.is_some(), false), code, false)?;
        if let Some(at) = living {
            self.model.calls[at].references += 1;
        }
        Ok(())
    }

    pub(super) fn release(&mut self, who: usize, at: Option<usize>) -> Checked {
        let call = handle(&self.calls, at);
        let code = on(who, move || call_release(call));
        let living = self.model.lives_call(at);
        self.expect(who, Op::Release, &Model::plain(living.is_some(), false), code, false)?;
        if let Some(at) = living {
            self.model.released(at);
        }
        Ok(())
    }
}
