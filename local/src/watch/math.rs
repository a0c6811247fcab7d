//! Metric math: as much of CloudWatch's language as the template speaks. `+ - * /`, comparisons, `FILL`, `IF`, parentheses.
//!
//! A series has a value or nothing for each window of time. As on AWS, what is computed with nothing is nothing, and so is what is
//! divided by zero.

/// A value for each window, or nothing.
pub(super) type Series = Vec<Option<f64>>;

/// Evaluates an expression over windows; `metric` gives the series that an id stands for.
pub(super) fn evaluate(
    expression: &str,
    windows: usize,
    metric: &dyn Fn(&str) -> Result<Series, String>,
) -> Result<Series, String> {
    let tokens = tokens(expression)?;
    let mut reader = Reader { tokens: &tokens, place: 0, windows, metric };
    let value = reader.comparison()?;
    match reader.next() {
        None => Ok(value),
        Some(token) => Err(format!("{expression}: {token} is not expected here")),
    }
}

fn tokens(expression: &str) -> Result<Vec<String>, String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut glued = false;
    for character in expression.chars() {
        let joins = |token: &String| match character {
            '=' => matches!(token.as_str(), "<" | ">" | "=" | "!"),
            _ => is_word(character) && token.chars().all(is_word),
        };
        match tokens.last_mut().filter(|token| glued && joins(token)) {
            Some(token) => token.push(character),
            None if character.is_whitespace() => {}
            None if is_word(character) || "+-*/()<>=!,".contains(character) => tokens.push(character.to_string()),
            None => return Err(format!("{expression}: {character} is not known here")),
        }
        glued = !character.is_whitespace();
    }
    Ok(tokens)
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.')
}

struct Reader<'a> {
    tokens: &'a [String],
    place: usize,
    windows: usize,
    metric: &'a dyn Fn(&str) -> Result<Series, String>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.place).map(String::as_str)
    }

    fn next(&mut self) -> Option<&'a str> {
        let token = self.peek();
        self.place += 1;
        token
    }

    fn comparison(&mut self) -> Result<Series, String> {
        let mut left = self.sum()?;
        while let Some(operator @ (">" | ">=" | "<" | "<=" | "==" | "!=")) = self.peek() {
            self.place += 1;
            left = joined(&left, &self.sum()?, |left, right| Some(compare(operator, left, right)));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Series, String> {
        let mut left = self.product()?;
        while let Some(operator @ ("+" | "-")) = self.peek() {
            self.place += 1;
            let sign = if operator == "+" { 1.0 } else { -1.0 };
            left = joined(&left, &self.product()?, |left, right| Some(left + sign * right));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Series, String> {
        let mut left = self.atom()?;
        while let Some(operator @ ("*" | "/")) = self.peek() {
            self.place += 1;
            let right = self.atom()?;
            left = joined(&left, &right, |left, right| match operator {
                "*" => Some(left * right),
                _ => Some(left / right).filter(|_| right != 0.0),
            });
        }
        Ok(left)
    }

    fn atom(&mut self) -> Result<Series, String> {
        let token = self.next().ok_or("the expression ends too early")?;
        if token == "-" {
            return Ok(self.atom()?.into_iter().map(|value| value.map(|value| -value)).collect());
        }
        if token == "(" {
            let value = self.comparison()?;
            return self.expect(")").map(|()| value);
        }
        if let Ok(number) = token.parse() {
            return Ok(vec![Some(number); self.windows]);
        }
        if self.peek() != Some("(") {
            return (self.metric)(token);
        }
        self.place += 1;
        self.call(token)
    }

    fn call(&mut self, name: &str) -> Result<Series, String> {
        let mut arguments = vec![self.comparison()?];
        while self.peek() == Some(",") {
            self.place += 1;
            arguments.push(self.comparison()?);
        }
        self.expect(")")?;
        match (name, arguments.as_slice()) {
            ("FILL", [series, with]) => {
                Ok(series.iter().zip(with).map(|(value, instead)| value.or(*instead)).collect())
            }
            ("IF", [condition, yes, no]) => {
                let branches = yes.iter().zip(no);
                let chosen = |(condition, (yes, no)): (&Option<f64>, (&Option<f64>, &Option<f64>))| {
                    condition.and_then(|condition| if condition == 0.0 { *no } else { *yes })
                };
                Ok(condition.iter().zip(branches).map(chosen).collect())
            }
            _ => Err(format!("{name} of {} is not known here", arguments.len())),
        }
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        match self.next() {
            Some(token) if token == wanted => Ok(()),
            other => Err(format!("{wanted} is expected before {}", other.unwrap_or("the end"))),
        }
    }
}

fn joined(left: &Series, right: &Series, with: impl Fn(f64, f64) -> Option<f64>) -> Series {
    left.iter().zip(right).map(|(left, right)| left.zip(*right).and_then(|(left, right)| with(left, right))).collect()
}

#[expect(
    clippy::float_cmp,
    reason = "counts are whole numbers; a computed value is compared as CloudWatch compares it"
)]
fn compare(operator: &str, left: f64, right: f64) -> f64 {
    let holds = match operator {
        ">" => left > right,
        ">=" => left >= right,
        "<" => left < right,
        "<=" => left <= right,
        "==" => left == right,
        _ => left != right,
    };
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(expression: &str) -> Result<Series, String> {
        evaluate(expression, 3, &|id| match id {
            "m1" => Ok(vec![Some(1.0), None, Some(4.0)]),
            "zero" => Ok(vec![Some(0.0); 3]),
            other => Err(format!("no {other}")),
        })
    }

    #[test]
    fn expressions_have_the_usual_order_and_nothing_stays_nothing() {
        let cases = [
            ("1 + 2 * 3 - 4 / 2", [Some(5.0), Some(5.0), Some(5.0)]),
            ("(1 + 2) * -m1", [Some(-3.0), None, Some(-12.0)]),
            ("FILL(m1, 0) * 1.5", [Some(1.5), Some(0.0), Some(6.0)]),
            ("IF(FILL(m1, 0) > 0, 10, 20)", [Some(10.0), Some(20.0), Some(10.0)]),
            ("m1 / zero", [None, None, None]),
            ("(FILL(m1,0) >= 4) + (FILL(m1,0) == 0)", [Some(0.0), Some(1.0), Some(1.0)]),
        ];
        for (expression, expected) in cases {
            assert_eq!(value(expression).unwrap(), expected, "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression_says_why() {
        for expression in ["", "1 +", "(m1", "m1 m1", "m2", "RATE(m1)", "m1 & m1", "FILL(m1)"] {
            assert!(value(expression).is_err(), "{expression}");
        }
    }
}
