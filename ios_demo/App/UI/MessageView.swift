import SwiftUI

/// One message on an otherwise empty screen.
struct MessageView: View {
    let text: String
    let symbol: String

    var body: some View {
        ContentUnavailableView(text, systemImage: symbol)
    }
}
