//! Icons. Each page carries their shapes once, in a sprite; every use is a short reference to it.

use std::fmt::Write as _;
use std::sync::LazyLock;

use icondata_core::IconData;
use maud::{Markup, PreEscaped};

macro_rules! icons {
    ($($name:ident = $shape:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Icon { $($name,)* }

        impl Icon {
            const ALL: &'static [Self] = &[$(Self::$name,)*];

            fn shape(self) -> &'static IconData {
                match self { $(Self::$name => icondata_lu::$shape,)* }
            }

            fn id(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

icons! {
    Activity = LuScrollText,
    Alert = LuTriangleAlert,
    Api = LuCodeXml,
    Back = LuChevronLeft,
    Battery = LuBatteryLow,
    Bell = LuBellRing,
    Box = LuBox,
    Busy = LuLoaderCircle,
    Check = LuCheck,
    Clock = LuClock,
    ClockWrong = LuClockAlert,
    Copy = LuCopy,
    Cross = LuCircleX,
    Door = LuDoorClosed,
    SmartDoor = LuDoorClosedLocked,
    DoorOpen = LuDoorOpen,
    Hand = LuHand,
    Filter = LuListFilter,
    Group = LuBuilding2,
    Help = LuCircleHelp,
    Info = LuInfo,
    Key = LuKeyRound,
    Keypad = LuGrip,
    List = LuListChecks,
    Lock = LuLock,
    Lost = LuWifiOff,
    More = LuChevronRight,
    Off = LuBan,
    Online = LuWifi,
    Pencil = LuPencil,
    Plug = LuPlug,
    Plus = LuPlus,
    Search = LuSearch,
    Settings = LuSettings,
    SignOut = LuLogOut,
    Star = LuStar,
    Tiles = LuLayoutGrid,
    Timer = LuTimer,
    Trash = LuTrash2,
    Unlock = LuLockOpen,
}

static SPRITE: LazyLock<String> = LazyLock::new(|| {
    let mut sprite = "<svg class=\"sprite\" aria-hidden=\"true\">".to_owned();
    for icon in Icon::ALL {
        let shape = icon.shape();
        let view = shape.view_box.unwrap_or("0 0 24 24");
        let _ = write!(sprite, "<symbol id=\"i-{}\" viewBox=\"{view}\">{}</symbol>", icon.id(), shape.data);
    }
    sprite.push_str("</svg>");
    sprite
});

pub(crate) fn sprite() -> PreEscaped<&'static str> {
    PreEscaped(SPRITE.as_str())
}

/// Always beside words, so it says nothing to a screen reader.
pub(crate) fn icon(icon: Icon) -> Markup {
    PreEscaped(format!("<svg class=\"i\" aria-hidden=\"true\"><use href=\"#i-{}\"/></svg>", icon.id()))
}
