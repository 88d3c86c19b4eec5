//! Numbers that devices speak, as enums that keep a number they do not know.

/// `codes! { Name { Variant = 1, … } }`: an enum with `from_code`, `code`, and `Other(n)` for everything unlisted,
/// stored as a `bigint`.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A number this version does not know; shown as unknown, kept as it came.
            Other(u8),
        }

        impl $name {
            /// Every known value, in the order of its number.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            pub const fn from_code(code: u8) -> Self {
                match code {
                    $($code => Self::$variant,)+
                    other => Self::Other(other),
                }
            }

            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$variant => $code,)+
                    Self::Other(code) => code,
                }
            }

            /// As stored: numbers outside a byte cannot have been written by us and read as the highest unknown.
            pub fn from_stored(code: i64) -> Self {
                Self::from_code(u8::try_from(code).unwrap_or(u8::MAX))
            }

            pub fn stored(self) -> i64 {
                i64::from(self.code())
            }
        }
    )*};
}
pub(crate) use codes;
