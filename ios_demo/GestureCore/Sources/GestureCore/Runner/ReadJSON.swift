import Foundation

/// Any JSON value, for fields that are only passed on.
public enum JSONValue: Codable, Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    public init(from decoder: Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// Of every file of the project.
private struct Versioned: Decodable {
    let version: Int
}

/// Decodes a file that states its version.
///
/// - Throws: `DemoError` that names the file and what is wrong with it.
func readJSON<Content: Decodable>(_ data: Data, name: String, version: Int) throws -> Content {
    do {
        let found = try JSONDecoder().decode(Versioned.self, from: data).version
        if found != version {
            throw DemoError("\(name) is of version \(found); this app reads \(version)")
        }
        return try JSONDecoder().decode(Content.self, from: data)
    } catch let error as DecodingError {
        throw DemoError("\(name) is not whole (\(explain(error))); export the artefact again")
    }
}

private func explain(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): return "\(path(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
        return "\(path(context.codingPath)) has another type"
    case .dataCorrupted(let context):
        let cause = context.underlyingError.map { "\($0)" } ?? context.debugDescription
        return [path(context.codingPath), cause].filter { !$0.isEmpty }.joined(separator: ": ")
    @unknown default: return "\(error)"
    }
}

private func path(_ keys: [CodingKey]) -> String {
    keys.map(\.stringValue).joined(separator: ".")
}
