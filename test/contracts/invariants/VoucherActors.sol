// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ActorState} from "./ActorState.sol";

/// Payers who delegate session keys, and vouchers that anyone claims.
abstract contract VoucherActors is ActorState {
    /// The cap of a session key, whole gwei.
    mapping(address key => mapping(address provider => uint256)) private _cap;

    /// A payer has a few session keys; one that was ended stays so.
    function delegate(uint256 u, uint256 p, uint256 cap, uint256 time, uint256 which) external {
        (address user, address who) = (_user(u), _provider(p));
        cap = bound(cap, 0, 20 ether);
        uint256 key = _sessionKey(user, which);
        address session = vm.addr(key);
        uint40 expiry = uint40(block.timestamp + bound(time, 1, 20 * LOCK));
        bytes memory proof = _delegationFor(key, who, user, session, uint96(cap), expiry);
        vm.prank(user);
        try inference.delegateSession(who, user, session, uint96(cap), expiry, proof, "") {
            _cap[session][who] = cap / 1 gwei * 1 gwei;
        } catch {
            ++refused;
        }
    }

    function endSession(uint256 u, uint256 p, uint256 which) external {
        address user = _user(u);
        address session = vm.addr(_sessionKey(user, which));
        vm.prank(user);
        try inference.endSession(_provider(p), session) {}
        catch {
            ++refused;
        }
    }

    /// A voucher of a session key, or of another key, claimed in part, by its provider or anyone, perhaps twice.
    function claim(uint256 u, uint256 p, uint256 fee, uint256 part, uint256 how) external {
        (address user, address who) = (_user(u), _provider(p));
        uint256 key = how % 8 == 0 ? OTHER_KEY : _sessionKey(user, how / 8);
        uint256 signed = owed[user][who] + bound(fee, 0, 6 ether);
        if (key != OTHER_KEY) {
            signedAway[user][who] += signed - owed[user][who];
            owed[user][who] = signed;
        }
        uint96 claimed = uint96(bound(part, 0, signed));
        bytes memory row = _voucherFor(key, who, claimed, uint96(signed));
        if (how % 3 == 0) row = bytes.concat(row, row);
        (uint256 before, uint256 balance) = (_settledBy(user, who), who.balance);
        vm.prank(how % 5 == 0 ? makeAddr("stranger") : who);
        uint256 paid = inference.settleVouchers(who, row);
        uint256 settled = _settledBy(user, who);
        assertEq(paid, settled - before);
        assertEq(who.balance, balance + paid);
        if (paid != 0) {
            assertLe(settled, claimed);
            assertLe(settled, _cap[vm.addr(key)][who]);
        }
        earned[user][who] += paid;
        highestSettled[user][who] = settled;
    }

    function _sessionKey(address user, uint256 which) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(user, which % 3))) >> 1;
    }
}
