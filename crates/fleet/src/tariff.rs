//! Plans: what new trackers get, who may have which, and how trackers change from one to another.

use crate::{Failure, Fleet, PanelCaller, UserCaller};
use domain::{ErrorCode, SourceId, TariffId, Timestamp, TrackerId};
use jiff::{ToSpan, Zoned, tz::TimeZone};
use std::time::Duration;
use store::{
    catalog::{
        CatalogError, DeviceType, Direction, DocType, LegalType, Listed, Money, Page, PlanChange, Source,
        Tariff, TariffDefaults, TariffKind, TariffOrder, TariffTerms,
    },
    signals::Signal,
};

/// A user may change the plan of a tracker once in this time without paying for it.
const FREEZE: Duration = Duration::from_secs(30 * DAY);
const DAY: u64 = 24 * 3600;

/// What the panel says about the money of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remainder {
    Keep,
    /// What is left of the old plan goes back to the balance.
    Repay,
}

/// From when on a new plan is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstPayment {
    Now,
    /// With the next period.
    Later,
}

impl Fleet {
    /// # Errors
    /// `DuplicateLabel`.
    pub async fn create_tariff(
        &self,
        _: &PanelCaller,
        device_type: DeviceType,
        terms: &TariffTerms,
    ) -> Result<TariffId, Failure> {
        let id = self.catalog.create_tariff(device_type, terms).await?;
        self.signals.publish(Signal::TariffsChanged);
        Ok(id)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn read_tariff(&self, _: &PanelCaller, id: TariffId) -> Result<Tariff, Failure> {
        Ok(self.catalog.tariff(id).await?.ok_or(ErrorCode::NotFound)?)
    }

    /// A plan is for one type of device for ever.
    ///
    /// # Errors
    /// `NotFound`, `DuplicateLabel`.
    pub async fn update_tariff(
        &self,
        _: &PanelCaller,
        id: TariffId,
        terms: TariffTerms,
    ) -> Result<(), Failure> {
        let Tariff { device_type, .. } = self.catalog.tariff(id).await?.ok_or(ErrorCode::NotFound)?;
        self.catalog.update_tariff(&Tariff { id, device_type, terms }).await?;
        self.signals.publish(Signal::TariffsChanged);
        Ok(())
    }

    pub async fn list_tariffs(
        &self,
        _: &PanelCaller,
        page: &Page,
        device_type: Option<DeviceType>,
        order: TariffOrder,
        direction: Direction,
    ) -> Result<Listed<Tariff>, Failure> {
        Ok(self.catalog.list_tariffs(page, device_type, order, direction).await?)
    }

    pub async fn tariff_defaults(&self, _: &PanelCaller) -> Result<TariffDefaults, Failure> {
        Ok(self.catalog.tariff_defaults().await?)
    }

    /// # Errors
    /// `TariffNotFound`; `InvalidTariff` for a plan that is not for trackers.
    pub async fn set_tariff_defaults(
        &self,
        _: &PanelCaller,
        defaults: &TariffDefaults,
    ) -> Result<(), Failure> {
        // A plan is never removed, and its device type never changes.
        self.tracker_plan(defaults.tariff).await?;
        self.catalog.set_tariff_defaults(defaults).await?;
        self.signals.publish(Signal::TariffsChanged);
        Ok(())
    }

    /// The plans that are for users of the caller's legal type.
    pub async fn own_tariffs(&self, caller: &UserCaller) -> Result<Vec<Tariff>, Failure> {
        let legal_type = self.legal_type(caller).await?;
        let all = self.tracker_plans().await?;
        Ok(all.into_iter().filter(|plan| is_for(&plan.terms, legal_type)).collect())
    }

    /// The plans that the caller may change a tracker to, and after how many days that costs nothing.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn tracker_tariffs(
        &self,
        caller: &UserCaller,
        id: TrackerId,
    ) -> Result<(Vec<Tariff>, i64), Failure> {
        let source = self.tracker(caller, id)?.source;
        let legal_type = self.legal_type(caller).await?;
        let all = self.tracker_plans().await?;
        let group = all.iter().find(|plan| plan.id == source.tariff).map(|plan| plan.terms.group);
        let open = |plan: &Tariff| {
            let other = plan.id != source.tariff && Some(plan.terms.group) == group;
            other && plan.terms.active && is_for(&plan.terms, legal_type)
        };
        let days = frozen_for(&source, self.now()).as_secs().div_ceil(DAY);
        Ok((all.into_iter().filter(open).collect(), i64::try_from(days).unwrap_or(i64::MAX)))
    }

    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`; `TariffNotFound`, `InvalidTariff` for a plan that is not for trackers,
    /// `TariffChangeNotAllowed` for one that is not for this one, `DeviceLimitExceeded`; `TariffChangeTooFrequent` when
    /// the last change is too fresh, unless the plan has a price for that which the account can pay.
    pub async fn change_own_tariff(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        tariff: TariffId,
    ) -> Result<(), Failure> {
        let view = self.changeable(caller, id)?;
        let _turn = self.turn_of_source(view.source.id).await?;
        // A change of the plan unblocks: that is for who blocked it.
        let source = self.changeable(caller, id)?.source;
        let new = self.tracker_plan(tariff).await?;
        let old = self.tracker_plan(source.tariff).await?;
        if new.id == old.id || !new.terms.active || new.terms.group != old.terms.group {
            return Err(ErrorCode::TariffChangeNotAllowed.into());
        }
        self.may_change(&source, &new, self.legal_type(caller).await?).await?;
        let now = self.now();
        let mut change = change_to(&new.terms, new.id, &source, FirstPayment::Later, now);
        if frozen_for(&source, now) > Duration::ZERO {
            let price = new.terms.early_change_price.ok_or(ErrorCode::TariffChangeTooFrequent)?;
            change.credit = Money::from_ten_thousandths(-price.ten_thousandths());
        }
        self.catalog.change_tariff(source.id, &change).await.map_err(|error| match error {
            // The account cannot pay.
            CatalogError::NotFound => ErrorCode::TariffChangeTooFrequent.into(),
            error => Failure::from(error),
        })?;
        self.source_changed(source.id).await
    }

    /// As `change_own_tariff`, from the panel: also to another group, to a plan that is not active, at any time.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyCorrupted`, `NotAllowedForClones`, `TariffNotFound`, `InvalidTariff`,
    /// `TariffChangeNotAllowed`, `DeviceLimitExceeded`.
    pub async fn change_tariff(
        &self,
        _: &PanelCaller,
        id: TrackerId,
        tariff: TariffId,
        remainder: Remainder,
        first_payment: FirstPayment,
    ) -> Result<(), Failure> {
        let source = self.anybodys_original(id)?.source;
        let _turn = self.turn_of_source(source).await?;
        let tracker = self.anybodys_original(id)?;
        let source = self.directory.read().source(tracker.source).cloned().ok_or(ErrorCode::NotFound)?;
        let new = self.tracker_plan(tariff).await?;
        if new.id == source.tariff {
            return Err(ErrorCode::TariffChangeNotAllowed.into());
        }
        let users = self.catalog.users_of(tracker.account).await?;
        let master = users.iter().find(|user| user.role == store::catalog::Role::Master);
        let legal_type = master.ok_or(ErrorCode::NotFound)?.person.legal_type;
        self.may_change(&source, &new, legal_type).await?;
        let now = self.now();
        let mut change = change_to(&new.terms, new.id, &source, first_payment, now);
        if remainder == Remainder::Repay
            && let Some(old) = self.catalog.tariff(source.tariff).await?
        {
            change.credit = repayment(&old.terms, &source, now);
        }
        self.catalog.change_tariff(source.id, &change).await?;
        self.source_changed(source.id).await
    }

    /// Whether an account of this legal type may have so many trackers with this plan.
    ///
    /// # Errors
    /// `LegalType`, `DeviceLimitExceeded`.
    pub(crate) async fn plan_fits(
        &self,
        tariff: TariffId,
        legal_type: LegalType,
        trackers: i64,
    ) -> Result<(), Failure> {
        let tariff = self.catalog.tariff(tariff).await?.ok_or(ErrorCode::InvalidTariff)?;
        if !is_for(&tariff.terms, legal_type) {
            Err(ErrorCode::LegalType.into())
        } else if trackers > tariff.terms.device_limit {
            Err(ErrorCode::DeviceLimitExceeded.into())
        } else {
            Ok(())
        }
    }

    /// Reads a source again whose row has changed, and tells who has a tracker on it.
    pub(crate) async fn source_changed(&self, source: SourceId) -> Result<(), Failure> {
        self.directory.refresh_source(&self.catalog, source).await?;
        self.signals.publish(Signal::SourceChanged(source));
        Ok(())
    }

    async fn may_change(&self, source: &Source, new: &Tariff, legal_type: LegalType) -> Result<(), Failure> {
        let registered = i64::try_from(self.directory.read().registered(source.account)).unwrap_or(i64::MAX);
        self.plan_fits(new.id, legal_type, registered).await.map_err(|failure| match failure.code {
            ErrorCode::LegalType => ErrorCode::TariffChangeNotAllowed.into(),
            _ => failure,
        })
    }

    /// # Errors
    /// `TariffNotFound`, `InvalidTariff`.
    pub(crate) async fn tracker_plan(&self, id: TariffId) -> Result<Tariff, Failure> {
        let tariff = self.catalog.tariff(id).await?.ok_or(ErrorCode::TariffNotFound)?;
        match tariff.device_type {
            DeviceType::Tracker => Ok(tariff),
            DeviceType::Camera | DeviceType::Socket => Err(ErrorCode::InvalidTariff.into()),
        }
    }

    async fn tracker_plans(&self) -> Result<Vec<Tariff>, Failure> {
        let (page, trackers) = (Page::default(), Some(DeviceType::Tracker));
        let listed =
            self.catalog.list_tariffs(&page, trackers, TariffOrder::Id, Direction::Ascending).await?;
        Ok(listed.items)
    }

    async fn legal_type(&self, caller: &UserCaller) -> Result<LegalType, Failure> {
        let master = self.master_of(caller).await?.ok_or(ErrorCode::SessionNotFound)?;
        Ok(master.person.legal_type)
    }
}

fn is_for(terms: &TariffTerms, legal_type: LegalType) -> bool {
    let individual = legal_type == LegalType::Individual;
    match terms.doc_type {
        DocType::All => true,
        DocType::Individuals => individual,
        DocType::Businesses => !individual,
    }
}

/// For how long the plan may not be changed without paying.
fn frozen_for(source: &Source, now: Timestamp) -> Duration {
    let until = source.tariff_changed.map_or(now, |changed| changed.plus(FREEZE));
    Duration::from_millis(u64::try_from(until.millis() - now.millis()).unwrap_or_default())
}

/// The source on its new plan. Dates are those of UTC (panel API, `tracker/tariff/change`).
fn change_to(
    new: &TariffTerms,
    tariff: TariffId,
    source: &Source,
    first_payment: FirstPayment,
    now: Timestamp,
) -> PlanChange {
    let today = utc(now);
    let (next_month, tomorrow) = (first_of_next_month(&today), today.checked_add(1.day()).ok());
    let later = match new.kind {
        TariffKind::Monthly => next_month,
        TariffKind::EveryDay => tomorrow,
        TariffKind::ActiveDay => None,
    };
    let (end, blocked) = match (source.blocked, new.kind, first_payment) {
        (false, TariffKind::Monthly, FirstPayment::Later) => (later, false),
        (false, ..) => (today.checked_add(1.day()).ok(), false),
        // It is paid for by whatever charges next, and unblocked by that.
        (true, TariffKind::Monthly | TariffKind::EveryDay, FirstPayment::Now) => (Some(today), true),
        (true, ..) => (later, false),
    };
    PlanChange { tariff, end: end.map(|end| timestamp(&end)), blocked, at: now, credit: Money::ZERO }
}

/// The price of the whole days that are left of a monthly plan that is paid for.
fn repayment(old: &TariffTerms, source: &Source, now: Timestamp) -> Money {
    let (Some(end), TariffKind::Monthly, false) = (source.tariff_end, old.kind, source.blocked) else {
        return Money::ZERO;
    };
    let today = utc(now);
    let days = (utc(end).date() - today.date()).get_days();
    let amount = old.price.ten_thousandths() * i64::from(days.max(0)) / i64::from(today.days_in_month());
    // Whole units of the currency.
    Money::from_ten_thousandths(amount - amount % 10_000)
}

fn utc(time: Timestamp) -> Zoned {
    jiff::Timestamp::from_millisecond(time.millis()).unwrap_or_default().to_zoned(TimeZone::UTC)
}

fn timestamp(time: &Zoned) -> Timestamp {
    Timestamp::from_millis(time.timestamp().as_millisecond())
}

fn first_of_next_month(today: &Zoned) -> Option<Zoned> {
    today.first_of_month().and_then(|first| first.checked_add(1.month())).ok()
}
