//! Aligned columns of text. It must not know their contents.

/// Alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Side {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// Rows under a heading.
#[derive(Debug)]
pub(in crate::commands) struct Table<const COLUMNS: usize> {
    sides: [Side; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// Creates a table with column names and no rows.
    pub(in crate::commands) fn new(columns: [(&str, Side); COLUMNS]) -> Self {
        Self { sides: columns.map(|(_, side)| side), rows: vec![columns.map(|(name, _)| name.to_uppercase())] }
    }

    /// Adds a row below the others.
    pub(in crate::commands) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }

    /// Returns one line per row. Each ends with a line feed, without white space before it.
    pub(in crate::commands) fn render(&self) -> String {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        let line = |row: &[String; COLUMNS]| {
            let cells: Vec<_> = (0..COLUMNS).map(|at| pad(&row[at], widths[at], self.sides[at])).collect();
            format!("  {}", cells.join("  ")).trim_end().to_owned() + "\n"
        };
        self.rows.iter().map(line).collect()
    }
}

fn pad(cell: &str, width: usize, side: Side) -> String {
    match side {
        Side::Left => format!("{cell:<width$}"),
        Side::Right => format!("{cell:>width$}"),
    }
}
