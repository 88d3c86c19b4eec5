//! What a client of the MQTT door listens to.

/// Filters with the QoS each was asked for with, as they are stored: one line each, in one piece of memory, because there
/// are some for every connected device. A filter has no control characters (`names::is_filter` of the gateway).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(Box<str>);

impl Filters {
    pub fn from_stored(lines: &str) -> Self {
        Self(lines.into())
    }

    pub fn stored(&self) -> &str {
        &self.0
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, u8)> {
        let lines = self.0.lines().filter_map(|line| line.split_once(' '));
        lines.filter_map(|(qos, filter)| Some((filter, qos.parse().ok()?)))
    }

    pub fn contains(&self, filter: &str) -> bool {
        self.iter().any(|(other, _)| other == filter)
    }

    /// Adds it, or changes its QoS.
    pub fn put(&mut self, filter: &str, qos: u8) {
        let others = self.iter().filter(|(other, _)| *other != filter);
        *self = others.chain([(filter, qos)]).collect();
    }

    pub fn retain(&mut self, mut stays: impl FnMut(&str) -> bool) {
        *self = self.iter().filter(|(filter, _)| stays(filter)).collect();
    }
}

impl<'f> FromIterator<(&'f str, u8)> for Filters {
    fn from_iter<I: IntoIterator<Item = (&'f str, u8)>>(filters: I) -> Self {
        let lines: Vec<String> = filters.into_iter().map(|(filter, qos)| format!("{qos} {filter}")).collect();
        Self(lines.join("\n").into_boxed_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_there_once_with_its_last_qos_and_all_come_back_as_they_were_stored() {
        let mut filters = Filters::default();
        assert_eq!(filters.iter().count(), 0);
        for (filter, qos) in
            [("nuki/A1/lock", 1), ("nuki/A1/+", 0), ("a name/with spaces", 2), ("nuki/A1/lock", 0)]
        {
            filters.put(filter, qos);
        }
        let all = [("nuki/A1/+", 0), ("a name/with spaces", 2), ("nuki/A1/lock", 0)];
        assert_eq!(filters.iter().collect::<Vec<_>>(), all);
        assert_eq!(Filters::from_stored(filters.stored()), filters);
        filters.retain(|filter| filter != "nuki/A1/+");
        assert!(!filters.contains("nuki/A1/+") && filters.contains("nuki/A1/lock"));
        assert_eq!(filters.stored(), "2 a name/with spaces\n0 nuki/A1/lock");
    }
}
